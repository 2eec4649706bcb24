"""`attnorm check`: does every pass keep the values? And `attnorm reduce`."""
