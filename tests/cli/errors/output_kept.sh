# When there is no answer, what was in the file stays.
echo before >answer.txt
heldby info nowhere.held -o answer.txt
echo $?
cat answer.txt
ls answer*
