DROP TABLE clock_progress;
