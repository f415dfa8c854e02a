"""The stages of training the embedded model: one file each, run in order by `omni.nano.train`."""
