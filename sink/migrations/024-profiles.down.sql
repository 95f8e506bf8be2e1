DELETE FROM progress WHERE consumer = 'tables:profiles';
DROP TABLE profiles;
