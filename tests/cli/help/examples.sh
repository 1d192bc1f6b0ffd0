# What the manual pages show is what is printed.
python3 "$SOURCE/tests/cli/man_examples.py"
