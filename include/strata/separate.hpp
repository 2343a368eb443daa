#pragma once

/// Where what is no template is compiled: in each unit that includes its header, or, if a whole program defines
/// `STRATA_SEPARATE_COMPILATION`, in the one unit that includes `strata/src.hpp`. All units of a program define it, or none:
/// else the one-definition rule is broken, and no linker says so.
///
/// A function of more than a line has its declaration and documentation in the header, and its body, with
/// `STRATA_INLINE`, in `impl/<header>.ipp`, which the header includes at its end and `strata/src.hpp` lists. What is
/// a template of the store has it in `impl/<header>.hpp`, which `strata/bodies.hpp` lists: if the macro is defined,
/// the header leaves it out, and one unit instantiates each store of the program (`instantiate/store.hpp`). Entirely
/// in their headers are conf/, testing/, and the codecs for xz and bzip2, which not every program has the libraries
/// for.
#ifdef STRATA_SEPARATE_COMPILATION
#define STRATA_INLINE
#else
#define STRATA_INLINE inline
#endif
