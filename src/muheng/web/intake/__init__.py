"""Workbooks in the browser: handed in, recognised, mended, accepted or undone. The reading is the library's."""
