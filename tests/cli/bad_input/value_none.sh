heldby find app.1.held --type str --value nowhere --min-size 10
