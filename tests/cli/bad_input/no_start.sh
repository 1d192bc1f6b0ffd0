heldby show app.1.held nowhere.at.all
