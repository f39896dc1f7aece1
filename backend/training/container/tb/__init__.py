"""The code that fine-tunes a model inside a SageMaker training container.

Modules that launch.py imports (paths, events, failure, config, world, packages,
processes, outcome) use the standard library only: they run before anything is
installed. The others run in processes that launch.py starts.
"""
