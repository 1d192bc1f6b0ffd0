echo before >answer.txt; chmod 640 answer.txt; ln -s answer.txt link
heldby info app.1.held --limit 1 --output=link
stat -c %a answer.txt; readlink link
