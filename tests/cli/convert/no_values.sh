heldby convert app.2.held --no-values -o bare.held
heldby show bare.held myapp.config
heldby path bare.held myapp.config
heldby find bare.held --type str --limit 0 | grep -c "\"\|'"
heldby find bare.held --value secret
