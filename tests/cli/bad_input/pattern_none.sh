heldby path app.1.held --type "myapp.Sess??n?"; echo $?; heldby referrers app.1.held --type "*Foo*"
