heldby info app.1.held -o no/such/folder/answer.txt
