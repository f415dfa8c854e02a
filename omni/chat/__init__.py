"""Chat models, the agent and its middleware, over LangChain."""
