mkdir folder; heldby info folder
