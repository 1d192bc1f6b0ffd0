mkdir answer; heldby info app.1.held -o answer
