for question in path show referrers; do heldby $question app.1.held 0x7f0000016000 | grep -o '<held from C ×[0-9]*>' | sort -u; done
heldby refcheck app.1.held --type list --json | grep unexplained
