"""The FIU's console: from alert to case to recovered money."""
