heldby referrers hostile.held --type 'evil*' --format graphml | python3 -c 'import sys, xml.dom.minidom as m; print(len(m.parse(sys.stdin.buffer).getElementsByTagName("node")))'
