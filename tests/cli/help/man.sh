heldby help --man path | sed "1s/heldby [0-9.]*/heldby VERSION/"
