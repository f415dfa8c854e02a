"""Public test kit: conformance suites and hostile inputs for those who extend Omni."""
