heldby histgram app.1.held
