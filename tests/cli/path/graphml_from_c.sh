heldby path app.1.held 0x7f0000500400 --format graphml | grep -A9 '<graph '
