"""The one set of business logic, its ports and adapters, and the facade.

Nothing here imports an engine; `shared.loader` reaches one by a string from the settings.
"""
