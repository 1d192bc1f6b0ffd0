heldby path app.3.held --to myapp.config.options
