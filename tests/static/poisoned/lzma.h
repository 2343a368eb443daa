#error "a store without this codec needs no lzma.h"
