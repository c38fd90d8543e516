"""What people and trainers look at: loaders, exports, reports."""
