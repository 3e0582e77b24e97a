"""HDF5 files from strangers, read in Python alone.

The C library of HDF5 is large, and what it does with files that were made to harm it is a long
story of repairs. So it writes files here, and reads none that a stranger may have made. What is
read is the part of the format in which h5py and Keras write models: groups of the old and the new
kind, arrays in one piece or in packed pieces, numbers, truth values, texts, attributes. Everything
else is refused in words; and with it what would lead out of the file: soft and external links,
external and virtual arrays, types and filters kept elsewhere.

Nothing here allocates what a file only declares. Descriptions are read within the bounds of the
file, and as often as `source.ROUNDS` says, so that circles end.

The format: The HDF Group, "HDF5 File Format Specification Version 3.0",
https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
"""

from __future__ import annotations

from etude.saving.hdf5.file import Dataset, File, Group

__all__ = ["Dataset", "File", "Group"]
