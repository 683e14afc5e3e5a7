"""What one image job asks of the SQL database, counted in the processes of its arm."""
