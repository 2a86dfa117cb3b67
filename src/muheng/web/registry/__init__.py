"""One file for each enterprise (一企一档), and the yearly facts of all. Reads no workbooks, computes no grades."""
