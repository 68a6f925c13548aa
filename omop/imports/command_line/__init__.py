"""What `import_omop` shows and takes: its arguments, its progress bar, its account for people."""
