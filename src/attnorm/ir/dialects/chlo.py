"""The bindings have no classes of their own for ops of `chlo`."""
