heldby referrers app.1.held myapp.config --exclude "myapp._CACHE['k7']" --exclude 0x7f0000015000
