"""What networks are made of, where Keras has no layer for it: pure Keras 3, imported when a network is built."""
