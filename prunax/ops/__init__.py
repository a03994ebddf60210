"""One array in, one array out: one function is one equation."""
