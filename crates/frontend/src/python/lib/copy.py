# copy: both functions are native.
