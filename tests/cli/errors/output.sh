umask 022
heldby info app.1.held --limit 1 -o answer.txt
heldby info app.1.held --limit 1 | cmp - answer.txt
stat -c %a answer.txt
ls answer*
