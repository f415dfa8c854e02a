"""PENDING"""
