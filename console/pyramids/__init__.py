"""What the operations of one collector say of its payers, weeks, regions and payouts; pure, but for detail.py."""
