"""Media tokens dropped inside of a language model: schedules over its layers."""
