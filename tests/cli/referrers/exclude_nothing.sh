heldby referrers app.1.held myapp.config --exclude 'logging.*'
