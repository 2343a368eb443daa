#error "a store without this codec needs no bzlib.h"
