raise ImportError("no_such_library")
