"""How well numbers on one scale agree with numbers on another."""
