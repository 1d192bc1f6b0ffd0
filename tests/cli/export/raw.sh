heldby export app.1.held 0x7f0000001000 --direction referents --depth 1 --raw --format csv
