"""The arithmetic of selection and routing: plain torch is the truth."""
