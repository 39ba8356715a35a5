"""How good search is, in figures: sets of questions with known right documents, run through the code that answers."""
