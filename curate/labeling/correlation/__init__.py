"""How well numbers on one scale go with numbers on another."""
