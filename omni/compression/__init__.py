"""Token selection: budgets, selectors and reports."""
