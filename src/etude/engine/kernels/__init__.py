"""Kernels in C++ that stand behind the compiled engine on the CPU: their source and their build."""
