"""What people have said about alerts."""
