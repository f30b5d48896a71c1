"""Keys of kmshsm in programs of others; each module is for copying. README.md tells them apart."""
