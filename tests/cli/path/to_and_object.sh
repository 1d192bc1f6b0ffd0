heldby path app.3.held myapp.config --to myapp.config.options
